"""Hunts the worst input: samples families, climbs among their worst rows, shrinks what it found."""
