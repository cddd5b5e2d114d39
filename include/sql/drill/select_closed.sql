SELECT case_id, order_id, reason FROM lifecycle.erasure_case WHERE state = 'absent'
