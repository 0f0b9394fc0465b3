"""What the directory says: record types, their keys and their tree (PS3.3 Annex F)."""
