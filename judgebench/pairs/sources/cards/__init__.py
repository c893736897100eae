"""Cards of the sources that come with judgebench."""
