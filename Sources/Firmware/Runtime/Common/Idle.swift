@c(waitForAnInterrupt)
func waitForAnInterrupt() { waitForInterrupt() }
