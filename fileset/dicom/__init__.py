"""Data elements, headers, values and character sets (PS3.5). Pure."""
