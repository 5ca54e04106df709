"""What tests of every tier stand on."""
