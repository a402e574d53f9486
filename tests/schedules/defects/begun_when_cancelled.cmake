# A task begins though its group was cancelled before.
set(found_by "schedules: a group that is cancelled before its tasks get what they wait for ends without it")
set(header impl/task_group.ipp)
set(search [==[
        if (!group->is_cancelled_) return begin(executor_, place_, std::move(work_));
]==])
set(replace [==[
        if (SEEDED || !group->is_cancelled_) return begin(executor_, place_, std::move(work_));
]==])
