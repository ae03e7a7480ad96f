"""Progress bars that count steps in place of drawing them."""

from collections import Counter


class ProgressBars:
    """Steps announced and steps done, by description; bars with the same description are added up."""

    def __init__(self):
        self.announced, self.done = Counter(), Counter()

    def start(self, doing, steps):
        self.announced[doing] += steps
        return lambda count: self.done.update({doing: count})
