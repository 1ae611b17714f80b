"""`duygu edit`: a result changed by the operations of its user."""
