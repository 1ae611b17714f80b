"""Files of other programs: annotation (ELAN, Praat, BORIS), data sets (BIDS), editing (EDL, OpenTimelineIO), tables."""
