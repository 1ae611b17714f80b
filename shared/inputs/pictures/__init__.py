"""The queue of single pictures between the API and the live workers."""
