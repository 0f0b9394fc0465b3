"""Records of the directory: types, keys and tree (PS3.3 Annex F)."""
