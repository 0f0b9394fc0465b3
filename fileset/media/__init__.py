"""Media (PS3.12): read and write files in folders, images, archives and buckets. Only this room calls the operating system."""
