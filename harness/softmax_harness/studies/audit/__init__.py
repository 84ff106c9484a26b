"""Which faulty softmaxes a tolerance lets pass, and which right ones it fails."""
