"""Judge one DICOM file as such: file meta information, data set and pixel data (PS3.10 7). Pure."""
