# A wait for a group ends with its cancellation, and not with its last task.
set(found_by "schedules: a group that is cancelled at any moment ends once, and leaves no task behind")
set(header impl/task_group.ipp)
set(search [==[
        if (group->size_ == 0) break;
]==])
set(replace [==[
        if (group->size_ == 0 || (SEEDED && aborted)) break;
]==])
