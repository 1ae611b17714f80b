"""What operators watch: health, metrics, the access log."""
