"""Bugs for the centre: ingest, silence, alarms, time, and what people are told."""

from __future__ import annotations

from tests.judge.mutants import Mutant, bug

_INGEST, _SUPERVISION, _REGISTER = "central/ingest.py", "central/supervision.py", "central/alarms/register.py"
_ESCALATING = "central/alarms/escalating.py"

CENTRE: tuple[Mutant, ...] = (
    bug(
        "commit_before_supervision",
        "One transaction",
        "rows are committed first, and their alarms in a transaction of their own",
        "1 7 8",
        (
            _INGEST,
            "        return _Ingest(s, sender, batch, now_ms, trust_marks=trust_marks).run(probe, rules, pace)\n",
            """        taken[:] = [_Ingest(s, sender, batch, now_ms, trust_marks=trust_marks)]
        return taken[0].run(probe, rules, pace)

    def judge(s: TenantSession) -> None:
        one = taken[0]
        for key, ending in supervise(s, one.origin, one.stored, now_ms, rules).items():
            s.execute(
                update(events)
                .where(
                    events.c.tenant_id == TENANT,
                    events.c.gateway_id == bindparam("p_gateway"),
                    events.c.stream_id == bindparam("p_stream"),
                    events.c.seq == bindparam("p_seq"),
                )
                .values(alarm_id=bindparam("p_alarm"), outcome_reason=bindparam("p_reason")),
                {
                    "p_gateway": key.gateway_id,
                    "p_stream": key.stream_id,
                    "p_seq": key.seq,
                    "p_alarm": ending.alarm_id,
                    "p_reason": ending.reason,
                },
            )
""",
        ),
        (
            _INGEST,
            "    def work(s: TenantSession, *, trust_marks: bool = True) -> BatchReply:\n",
            (
                "    taken: list[_Ingest] = []\n\n"
                "    def work(s: TenantSession, *, trust_marks: bool = True) -> BatchReply:\n"
            ),
        ),
        (
            _INGEST,
            '    probe("committed", {"events": len(batch.items)})\n    return reply\n',
            (
                '    probe("committed", {"events": len(batch.items)})\n    db.transact(sender.tenant.id, judge)\n'
                "    return reply\n"
            ),
        ),
        (
            _INGEST,
            (
                "        endings = supervise(self.s, self.origin, stored, self.now_ms, rules)\n"
                "        self._write(stored, fresh, endings)\n"
            ),
            "        self.stored = stored\n        self._write(stored, fresh, {})\n",
        ),
    ),
    bug(
        "late_dropped",
        "Late events",
        "rules look only at what is not older than a quarter of an hour",
        "1 8",
        (
            _SUPERVISION,
            "    if not seen:\n        return {}\n",
            (
                "    seen = [item for item in seen if now_ms - item.occurred.to_ms < 900_000]\n"
                "    if not seen:\n        return {}\n"
            ),
        ),
    ),
    bug(
        "mark_over_hole",
        "No silent holes",
        "the contiguous mark is the highest number that is held",
        "4",
        (
            "central/marks.py",
            "            while merged and merged[0][0] <= mark + 1:\n",
            "            while merged:\n",
        ),
    ),
    bug(
        "complete_without_rows",
        "Silence is judged only on complete data",
        "complete_to is taken over when it is said, not when its rows are there",
        "2 4",
        (
            "central/claims.py",
            '[all(marks.get(name, 0) >= mark for name, mark in claim["marks"].items()) for claim in claims]\n',
            "[True for _ in claims]\n",
        ),
    ),
    bug(
        "silence_on_missing_data",
        "Silence is judged only on complete data",
        "a limit that has passed is judged, whatever may still be on its way",
        "2",
        (
            "central/silence.py",
            "    confirmed = judged.to_ms > at_ms\n",
            "    confirmed = now_ms > at_ms\n",
        ),
    ),
    bug(
        "wake_in_memory",
        "Silence is a stored deadline",
        "deadlines stand in the process's memory until they are due",
        "1 2",
        (
            _SUPERVISION,
            "        wakes.arm_all(self.s, self._deadlines)\n",
            '        self.s.hints.setdefault("deadlines", {}).update(self._deadlines)\n',
        ),
        (
            "central/wakes.py",
            '    last = {"subject": after.subject, "rule": after.rule} if after is not None else',
            """    kept = s.hints.setdefault("deadlines", {})
    for name in [name for name, at_ms in kept.items() if at_ms is None or at_ms <= now_ms]:
        arm(s, *name, kept.pop(name))
    last = {"subject": after.subject, "rule": after.rule} if after is not None else""",
        ),
        ("central/sweep.py", "        silence.ensure(s)\n", ""),
    ),
    bug(
        "overdue_forgotten",
        "Silence is a stored deadline",
        "the sweep takes what has fallen due since the last one, and never what is older",
        "1 2 5 7",
        (
            "central/wakes.py",
            'WHERE tenant_id = :tenant AND wake_at_ms <= :now_ms "\n    "AND (look_ms IS NULL',
            (
                'WHERE tenant_id = :tenant AND wake_at_ms <= :now_ms "\n    "AND wake_at_ms > :now_ms - 30000 "\n'
                '    "AND (look_ms IS NULL'
            ),
        ),
    ),
    bug(
        "episode_by_minute",
        "One fact, one alarm",
        "presses within one minute of the clock are one episode, and only its first sounds",
        "1",
        (
            _REGISTER,
            "        return _join(s, joinable, request, now_ms, sound=sounds_again(request))\n",
            (
                "        same = joinable.occurred_to_ms // 60_000 == request.occurred.to_ms // 60_000\n"
                "        return _join(s, joinable, request, now_ms, sound=sounds_again(request) and not same)\n"
            ),
        ),
    ),
    bug(
        "twins_of_one_gateway",
        "One fact, one alarm",
        "two presses through one gateway are taken for twins",
        "1",
        (
            "central/twins.py",
            '    "AND e.gateway_id <> :gateway_id AND e.occurred_to_ms',
            '    "AND e.occurred_to_ms',
        ),
    ),
    bug(
        "attended_for_long",
        "One fact, one alarm",
        "for ten minutes after somebody has come, a new call joins without a sound",
        "1",
        (
            _REGISTER,
            '            "to_ms": request.occurred.to_ms,\n',
            '            "to_ms": request.occurred.to_ms - 600_000,\n',
        ),
    ),
    bug(
        "resident_of_now",
        "One fact, one alarm",
        "the resident is looked up as of now",
        "1",
        (
            "central/cases.py",
            "        at_ms, device = item.occurred.to_ms, item.device\n",
            "        at_ms, device = now_ms, item.device\n",
        ),
    ),
    bug(
        "wall_clock_believed",
        "Time",
        "a gateway's synchronised wall time is taken, however far it is from what its steady clock says",
        "1 2",
        (
            "central/occurred.py",
            "            if at.synced and -WALL_AGREES_MS <= at.wall_ms - at_ms <= WALL_AGREES_MS:\n",
            "            if at.synced:\n",
        ),
    ),
    bug(
        "heard_by_heartbeat",
        "The watcher is watched",
        "a gateway that lives has heard all its devices just now",
        "5",
        (
            "central/heartbeat.py",
            "    states.heard({address: max(0, now_ms - age_ms) for address",
            "    states.heard({address: max(0, now_ms - min(age_ms, 1_000)) for address",
        ),
    ),
    bug(
        "grace_renewed",
        "Silence is judged only on complete data",
        "each sweep renews the grace that the centre's own return gives",
        "5",
        (
            "central/sweep.py",
            "        return grace_ms\n    return now_ms if grace_ms is None or",
            "        return grace_ms if grace_ms is None else now_ms\n    return now_ms if grace_ms is None or",
        ),
    ),
    bug(
        "source_stays_lost",
        "Silence is judged only on complete data",
        "devices of a source that is back stay unknown",
        "2 5 7",
        (
            "central/lifeline.py",
            "        states.get(address).source_back(at.to_ms)\n",
            "        states.get(address)\n",
        ),
    ),
    bug(
        "told_once",
        "The watcher is watched",
        "who has ended the alarm of a gateway, a disk or a source that stays silent hears of it never again",
        "5",
        (
            "central/technical.py",
            "    return after(int(ended_ms)) if ended_ms <= now_ms else now_ms\n",
            "    return after(now_ms)\n",
        ),
    ),
    bug(
        "clears_what_is_taken",
        "The alarm's life",
        "an alarm that somebody has taken ends by itself",
        "6",
        (
            _REGISTER,
            "    if state not in UNTAKEN or Move.CLEAR not in ALLOWED[state] or not may:\n",
            "    if not may:\n",
        ),
        (
            _REGISTER,
            "    cleared = after(state, Move.CLEAR, may_clear_itself=True)\n",
            "    cleared = State.CLEARED\n",
        ),
    ),
    bug(
        "history_backdated",
        "The alarm's life",
        "what joins an alarm is written down at the time at which it happened",
        "6",
        (
            _REGISTER,
            '    write(s, alarm.id, alarm.state, alarm.state, now_ms, "sound" if sound else "join", detail)\n',
            (
                "    at_ms = request.occurred.to_ms\n"
                '    write(s, alarm.id, alarm.state, alarm.state, at_ms, "sound" if sound else "join", detail)\n'
            ),
        ),
    ),
    bug(
        "sent_before_sending",
        "Delivery to people is a ledger",
        "a notice counts as sent when it is written",
        "3",
        (
            "central/notify/outbox.py",
            "t.id, :sound_seq, 'pending', :now_ms\n",
            "t.id, :sound_seq, 'sent', :now_ms, :now_ms\n",
        ),
        (
            "central/notify/outbox.py",
            '_COLUMNS = "alarm_id, tablet_id, sound_seq, state, made_ms"\n',
            '_COLUMNS = "alarm_id, tablet_id, sound_seq, state, made_ms, sent_ms"\n',
        ),
    ),
    bug(
        "tablets_not_told",
        "The watcher is watched",
        "a change of an alarm does not move what tablets look at",
        "1 3",
        ("central/alarms/history.py", "    s.changed()\n", ""),
    ),
    bug(
        "taken_forgotten",
        "The alarm's life",
        "the deadline of a taken alarm stands in the process's memory, where nobody looks",
        "6",
        (
            "central/alarms/overdue.py",
            "    wakes.arm(s, subject(alarm_id), RULE, due_ms if isinstance(due_ms, int) else None)\n",
            '    s.hints.setdefault("taken", {})[subject(alarm_id)] = due_ms\n',
        ),
        ("central/sweep.py", "        overdue.ensure(s, now_ms)\n", ""),
    ),
    bug(
        "next_step_forgotten",
        "Silence is a stored deadline",
        "when an alarm that nobody has goes on stands in the process's memory, where nobody looks",
        "3",
        (
            _ESCALATING,
            "    wakes.arm(s, subject(alarm_id), RULE, first_look_ms(chain, now_ms))\n",
            '    s.hints.setdefault("next", {})[subject(alarm_id)] = first_look_ms(chain, now_ms)\n',
        ),
        ("central/sweep.py", "        escalating.ensure(s, now_ms)\n", ""),
        seeds_max=8,
    ),
    bug(
        "told_everybody_once",
        "Delivery to people is a ledger",
        "when the last step of its way has been taken, an alarm that nobody has goes no further",
        "3",
        (
            "central/notify/escalation.py",
            "    return chain.repeat_s * 1000 if chain.repeat_s else None\n",
            "    return None\n",
        ),
        seeds_max=8,
    ),
    bug(
        "sendings_doubled",
        "Delivery to people is a ledger",
        "each step asks for what the next one will send as well, so that it is not forgotten",
        "2",
        (
            _ESCALATING,
            "    return new, sendings.ask(s, alarm.id, alarm.sound_seq, step, whom.roads, now_ms)\n",
            (
                "    ahead = sendings.ask(s, alarm.id, alarm.sound_seq, step + 1, whom.roads, now_ms)\n"
                "    return new, ahead + sendings.ask(s, alarm.id, alarm.sound_seq, step, whom.roads, now_ms)\n"
            ),
        ),
        seeds_max=8,
    ),
)
