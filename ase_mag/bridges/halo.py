"""The halo: copies of atoms that other processes own, and the way back."""

from itertools import pairwise

import numpy as np


class Halo:
    """Sends values of owned atoms to their ghosts, and adds values of ghosts to their owners.

    Atoms are known by tags, which are unique over all processes. Who owns a tag is found through a
    directory: process (tag mod number of processes) keeps the entry of a tag, so that no process
    holds a table of all atoms.

    Parameters
    ----------
    comm : mpi4py communicator. All its processes make the halo at the same time.
    owned : (n,) int array, tags of the atoms of this process, in their order.
    ghosts : (m,) int array, tags of its ghosts, in their order; each once, and none that it owns.

    Raises
    ------
    RuntimeError
        On every process, if a ghost on one of them has a tag that nobody owns (an atom was lost).

    Attributes
    ----------
    n_owned, n_ghosts : int
    exchanges : int, messages sent so far are those of this many calls (for tests and timings).
    """

    def __init__(self, comm, owned, ghosts):
        self.comm = comm
        owned = np.ascontiguousarray(owned, dtype=np.int64)
        ghosts = np.ascontiguousarray(ghosts, dtype=np.int64)
        self.n_owned, self.n_ghosts, self.exchanges = len(owned), len(ghosts), 0
        process, index = self._look_up(owned, ghosts)
        # Values arrive by process: ghost _order[k] is the one that arrives as number k.
        self._order = np.argsort(process, kind="stable")
        self._arrival = np.empty_like(self._order)
        self._arrival[self._order] = np.arange(len(ghosts))
        self._receive = np.bincount(process, minlength=comm.size)
        self._rows, self._send = _send_to(comm, index[self._order], self._receive)

    def _look_up(self, owned, wanted):
        """Return process and local index of the owner of every wanted tag."""
        comm = self.comm
        entries, _, source = _deliver(
            comm, np.column_stack([owned, np.arange(len(owned))]), owned % comm.size
        )
        known = np.argsort(entries[:, 0], kind="stable")
        tags, homes = entries[known, 0], np.column_stack([source, entries[:, 1]])[known]
        asked, order, origin = _deliver(comm, wanted[:, None], wanted % comm.size)
        asked = asked[:, 0]
        found = np.searchsorted(tags, asked)
        missing = (found == len(tags)) | (np.append(tags, -1)[found] != asked)
        if comm.allreduce(int(missing.any())):
            lost = comm.allreduce(asked[missing].tolist())
            raise RuntimeError(
                f"no process owns the atoms with the tags {lost[:5]}, of which there are copies: "
                "atoms were lost; the time step is too long, or atoms left a cell that is not "
                "periodic"
            )
        answers, _ = _send_to(comm, homes[found], np.bincount(origin, minlength=comm.size))
        result = np.empty((len(wanted), 2), dtype=np.int64)
        result[order] = answers
        return result.T

    def forward(self, values):
        """Return the values of the ghosts, (n_ghosts, k), of those of the owned atoms (n_owned, k).

        One message to and from every neighbor process.
        """
        result = np.empty((self.n_ghosts, values.shape[1]))
        self._fill(np.ascontiguousarray(values), result)
        return result

    def refresh(self, rows):
        """Set the rows of the ghosts, which follow the owned ones, (n_owned + n_ghosts, k)."""
        self._fill(rows[: self.n_owned], rows[self.n_owned : self.n_owned + self.n_ghosts])

    def _fill(self, values, ghosts):
        # mode="clip" writes into ghosts without a copy; all indices are valid.
        sent = np.take(values, self._rows, axis=0, mode="clip")
        arrived = self._exchange(sent, self._send, self._receive)
        np.take(arrived, self._arrival, axis=0, out=ghosts, mode="clip")

    def reverse(self, values, *owned):
        """Add ``values`` (n_ghosts, k) of the ghosts to those of their owners, in place.

        ``owned``: arrays (n_owned, ...) of k columns in all. The sum runs in an order that depends
        on tags and processes only.
        """
        sent = np.take(values, self._order, axis=0, mode="clip")
        arrived = self._exchange(sent, self._receive, self._send)
        for first, last in pairwise(_blocks(self._send)):
            # No row twice: a process has one ghost of an atom.
            rows, column = self._rows[first:last], 0
            for array in owned:
                end = column + array.shape[1]
                array[rows] += arrived[first:last, column:end]
                column = end

    def _exchange(self, values, send, receive):
        """Send and receive rows, ``send[q]`` of them to process q and ``receive[q]`` from it."""
        self.exchanges += 1
        comm, width = self.comm, values.shape[1]
        starts, ends = _blocks(send), _blocks(receive)
        result = np.empty((int(receive.sum()), width))
        requests = [
            comm.Irecv(result[ends[q] : ends[q + 1]], source=q) for q in np.flatnonzero(receive)
        ]
        requests += [
            comm.Isend(values[starts[q] : starts[q + 1]], dest=q) for q in np.flatnonzero(send)
        ]
        for request in requests:
            request.Wait()
        return result


def _blocks(counts):
    return np.concatenate([[0], np.cumsum(counts)])


def _deliver(comm, rows, processes):
    """Send every row to its process; return the rows received, own order and their processes."""
    order = np.argsort(processes, kind="stable")
    received, counts = _send_to(comm, rows[order], np.bincount(processes, minlength=comm.size))
    return received, order, np.repeat(np.arange(comm.size), counts)


def _send_to(comm, rows, send):
    """Send ``send[q]`` of the rows to process q; return the rows received and their counts."""
    rows = np.ascontiguousarray(rows, dtype=np.int64)
    send = np.ascontiguousarray(send, dtype=np.int64)
    receive = np.empty_like(send)
    comm.Alltoall(send, receive)
    width = int(np.prod(rows.shape[1:]))
    result = np.empty((int(receive.sum()), *rows.shape[1:]), dtype=np.int64)
    comm.Alltoallv([rows, width * send], [result, width * receive])
    return result, receive
