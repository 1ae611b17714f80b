"""What the API and the workers must agree on: settings, schemas, errors, keys, storage, broker."""
