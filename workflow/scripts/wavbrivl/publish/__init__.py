"""Tables, figures and the closing summary."""
