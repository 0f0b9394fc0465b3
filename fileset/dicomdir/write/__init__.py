"""Write a DICOMDIR: records -> bytes."""
