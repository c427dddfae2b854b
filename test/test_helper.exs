# What a test waits for comes at once on an idle machine, and may take its time on a busy one. These are the bounds of what
# never comes.
ExUnit.start(assert_receive_timeout: 300_000, timeout: 900_000)
