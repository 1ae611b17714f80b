"""`/v1/jobs`: state, events, results, edits, labels and agreement of a job."""
