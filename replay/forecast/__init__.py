"""Take previews for forecasts from recordings, traces and sessions."""
