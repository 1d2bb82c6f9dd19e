# Words of notebook 1. A finding is a message; its attributes are the parts of a finding.
