"""Makes the folder a package, so that the tests import the integration from here."""
