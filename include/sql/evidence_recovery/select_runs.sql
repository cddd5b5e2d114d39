SELECT run_id, pipeline, manifest_sha256, state FROM lifecycle.run
