"""What enters the service: links, uploads in parts, pictures, and the kinds of files."""
