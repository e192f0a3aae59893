"""Many calls at once."""

from concurrent.futures import ThreadPoolExecutor

THREADS, EACH = 8, 50


def test_all_of_many_stores_at_once_land_under_ids_of_their_own(stack, survey):
    def work(thread):
        return [stack.store(survey, {"user_id": thread * EACH + n}).status for n in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = [status for batch in pool.map(work, range(THREADS)) for status in batch]
    assert statuses == [200] * (THREADS * EACH)
    rows = stack.sql(f"select id, user_id from projectalpha_data.tool_{survey.name}")
    assert sorted(user_id for _, user_id in rows) == list(range(THREADS * EACH))
    assert len({number for number, _ in rows}) == THREADS * EACH


def test_of_many_registrations_of_one_name_at_once_one_succeeds(stack):
    name = stack.new_name()

    def work(number):
        body = {"tool_name": name, "token": f"token-number-{number}", "schema": [{"name": "n", "type": "int"}]}
        answer = stack.post("/register-tool", body, stack.admin)
        return answer.status, answer.json()

    with ThreadPoolExecutor(THREADS) as pool:
        answers = sorted(pool.map(work, range(THREADS)), key=lambda answer: answer[0])
    refused = (400, {"detail": f"Tool '{name}' already registered"})
    assert answers == [(200, {"message": f"Tool '{name}' registered and table created"})] + [refused] * (THREADS - 1)
    path = f"/tools/{name}"
    accepted = [stack.post(path, {"n": n}, ("token", f"token-number-{n}")).status for n in range(THREADS)]
    assert sorted(accepted) == [200] + [401] * (THREADS - 1)


def test_of_many_deletions_at_once_one_succeeds(stack, survey):
    with ThreadPoolExecutor(THREADS) as pool:
        statuses = list(pool.map(lambda _: stack.delete(survey.path, stack.admin).status, range(THREADS)))
    assert sorted(statuses) == [200] + [404] * (THREADS - 1)


def test_a_tool_can_be_deleted_while_others_store_into_it(stack, survey):
    def work(_):
        return {stack.store(survey, {"user_id": n}).status for n in range(EACH)}

    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(work, thread) for thread in range(THREADS)]
        assert stack.delete(survey.path, stack.admin).status == 200
        statuses = set().union(*(task.result() for task in running))
    assert statuses <= {200, 404}
    assert stack.store(survey, {}).status == 404
