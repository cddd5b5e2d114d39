COPY lifecycle.policy_impact (run_id, category, side, due_on, objects, bytes) FROM STDIN
