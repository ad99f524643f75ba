"""What `plumbline ui` runs: the frame, started on its first page.

Reads: nothing. Writes: nothing. Must not know: anything; whatever it knew would escape the tests of the frame.
"""

from dashboard.shell import main

main()
