"""What the counter speaks to: outside services, programs and file formats. None of them knows our tables."""
