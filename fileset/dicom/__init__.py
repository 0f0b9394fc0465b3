"""PS3.5: data elements <-> bytes. Pure: nothing here touches the operating system."""
