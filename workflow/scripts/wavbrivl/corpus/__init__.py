"""From a list of clips to fetched videos and media shards, with every clip's fate in a ledger."""
