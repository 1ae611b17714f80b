"""Files of labels: CSV, JSON, ELAN (.eaf) and BORIS (.boris, .csv, .tsv). Their content is untrusted."""
