"""The rows that describe a study: read from study.csv, or kept by the service. Light: the API imports it."""
