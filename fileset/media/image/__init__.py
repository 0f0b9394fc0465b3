"""Parts that ISO images and ZIP archives share: one file that holds a whole file-set."""
