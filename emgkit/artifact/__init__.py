"""Methods that take stimulation artifact, evoked response and voluntary EMG apart."""
