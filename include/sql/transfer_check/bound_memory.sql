-- As much as each part of the pass may hold, however many disclosures there are and whatever the server would allow: more of them
-- go over the disk. In one process, so that there are no more of these parts than the plan shows.
SELECT set_config('work_mem', '4MB', true), set_config('hash_mem_multiplier', '1', true), set_config('temp_buffers', '8MB', true),
       set_config('max_parallel_workers_per_gather', '0', true)
