"""Every hint of the code, and for each that is tried, an example that gets it and the same example once it is followed."""
