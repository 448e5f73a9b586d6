"""triton.py SERVER: the calls of tritonclient's HTTP client (Triton's own) against a server of a toy model.

SERVER is a program that prints its port and serves until its standard input ends: model `toy`, input [4], three
scores, score k of x the sum of x[i] * (1 + i * (k + 1)).
"""

import json
import subprocess
import sys

try:
    import numpy as np
    import tritonclient.http as triton
except ImportError as missing:
    print(f"skipped: {missing.name} is not installed (pip install 'tritonclient[http]')")
    sys.exit(77)


def expected(x):
    i = np.arange(4)
    return np.stack([(x * (1 + i * (k + 1))).sum(1) for k in range(3)], 1).astype(np.float32)


def check(client):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("toy")
    assert client.is_model_ready("toy", "1")
    assert not client.is_model_ready("none")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata("toy")
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 4]}], metadata
    assert client.get_model_repository_index()[0]["state"] == "READY"
    x = np.array([[1, 2, 3, 4], [5, 6, 7, 8.5]], np.float32)
    for binary_in in (True, False):
        for binary_out in (True, False):
            tensor = triton.InferInput("input", x.shape, "FP32")
            tensor.set_data_from_numpy(x, binary_data=binary_in)
            output = triton.InferRequestedOutput("scores", binary_data=binary_out)
            result = client.infer("toy", [tensor], outputs=[output], request_id="r1")
            assert result.get_response()["id"] == "r1"
            np.testing.assert_array_equal(result.as_numpy("scores"), expected(x))
            output = triton.InferRequestedOutput("scores", binary_data=binary_out, class_count=2)
            classes = client.infer("toy", [tensor], outputs=[output]).as_numpy("scores")
            assert classes.shape == (2, 2), classes
            first = classes[0][0]
            first = first.decode() if isinstance(first, bytes) else first
            assert first == "70.000000:2:cat", first
    np.testing.assert_array_equal(client.infer("toy", [tensor]).as_numpy("scores"), expected(x))
    pending = [client.async_infer("toy", [tensor], model_version="1") for _ in range(50)]
    for each in pending:
        np.testing.assert_array_equal(each.get_result().as_numpy("scores"), expected(x))
    admin = {"Content-Type": "application/json"}
    client.unload_model("toy", headers=admin)
    assert client.is_server_live() and not client.is_server_ready() and not client.is_model_ready("toy")
    assert client.get_model_repository_index()[0]["state"] == "UNAVAILABLE"
    client.load_model("toy", headers=admin)
    assert client.is_server_ready() and client.is_model_ready("toy")
    assert client.get_model_repository_index()[0]["state"] == "READY"
    np.testing.assert_array_equal(client.infer("toy", [tensor]).as_numpy("scores"), expected(x))
    stats = client.get_inference_statistics("toy")["model_stats"][0]
    assert stats["inference_count"] >= 100, stats
    for wrong in (lambda: client.infer("none", [tensor]), lambda: client.get_model_metadata("none"),
                  lambda: client.load_model("toy", headers=admin, config="{}"), lambda: client.load_model("toy"),
                  lambda: client.infer("toy", [triton.InferInput("other", x.shape, "FP32").set_data_from_numpy(x)])):
        try:
            wrong()
        except triton.InferenceServerException as error:
            assert error.message(), error
        else:
            raise AssertionError("no error")


def main():
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline())
        try:
            check(triton.InferenceServerClient(f"127.0.0.1:{port}", concurrency=4))
        finally:
            server.stdin.close()
    print("tritonclient: all calls are answered as it wants them")


if __name__ == "__main__":
    main()
