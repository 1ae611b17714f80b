"""`duygu study`: many recordings in one table."""
