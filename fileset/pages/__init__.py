"""Pages that show a file-set in a browser: INDEX.HTM, README.TXT and IHE_PDI (IHE RAD TF-3 4.47, Web Content Option)."""
