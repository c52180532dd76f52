"""The journal and everything else that must outlive the process. Ground floor: knows nothing of the application."""
