"""What the product says about itself: logs, metrics, crash reports, and the one redactor they all go through."""
