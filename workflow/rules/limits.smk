"""What a job of a batch system may take at most: memory in MB and minutes, from the size of the features and epochs.

Bounds and no estimates: they hold with room for what was measured (`tests/test_limits.py`), and a job that needs more
gets more on its next attempt, on which training goes on where it was ended.
"""

LONGEST = 23 * 60  # minutes of a job, or of jobs that are sent as one: many systems end what is longer than a day
LATER = 1.5  # times the minutes, from the second attempt on
EPOCH_MINUTES = 0.006  # of training on one core for each MB of features, at the width of THUMOS14's features


def bound_of_memory(least, features_mb, shares, attempt=1):
    """In MB: `least` and so many times the features; twice that from the second attempt on."""
    return int(min(attempt, 2) * (least + shares * features_mb))


def bound_of_training(epochs, features_mb):
    """In minutes, of a round."""
    return 15 + EPOCH_MINUTES * epochs * features_mb


def asked_minutes(minutes, together, attempt=1):
    """What a job asks for, so that all that are sent as one, `together` minutes of them, stay below the longest."""
    factor = LATER if attempt > 1 else 1
    return max(1, int(minutes * min(factor, LONGEST / together)))
