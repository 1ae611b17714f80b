"""Studies: many recordings of many participants as tables, time courses and a report."""
