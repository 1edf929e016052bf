"""Jobs of Ray, by the job interface of its dashboard, over SSH."""
