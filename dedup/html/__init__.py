"""Pages and notebook cards, from plain facts."""
