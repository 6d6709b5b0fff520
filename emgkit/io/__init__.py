"""Files in, files out: the only place that knows file formats. Each module is loaded when its verb is first used."""
