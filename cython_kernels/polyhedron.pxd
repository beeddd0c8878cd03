# A convex polyhedron that planes cut, in the dual form: a vertex is a triple of planes.
#
# Planes that pass through a vertex within the tolerance do not cut it, so that ties of perfect
# lattices (more than three planes in one vertex) need no special care.

from libc.math cimport sqrt
from libc.stdlib cimport free, malloc

cdef enum Status:
    GOOD = 0
    COINCIDENT = 1
    FULL = 2          # more planes or candidates than there is room for
    INCONSISTENT = 3  # rounding broke the polyhedron: cut again with another tolerance

cdef struct Polyhedron:
    int capacity        # planes there is room for; vertices: twice as many
    int n               # vertices
    int n_free          # unused plane slots
    int stamp
    double* points      # (vertices, 3)
    double* heights     # (vertices,), signed distance to the cutting plane times its length
    double* feet        # (planes, 3), point of the plane next to the atom
    double* fresh       # (planes, 3), new vertices
    int* corners        # (vertices, 3), planes of a vertex, counterclockwise from outside
    int* vertex         # (planes, planes), the vertex whose planes hold f and then g
    int* degree         # (planes,), vertices on a plane
    int* slots          # unused plane slots
    int* marks          # (planes,)
    int* follow         # (planes,)
    int* edges          # (planes, 2), planes along the rim of the cut


cdef inline void release(Polyhedron* cell) noexcept nogil:
    if cell != NULL:
        free(cell.points)
        free(cell.corners)
        free(cell)


cdef inline Polyhedron* allocate(int planes) noexcept nogil:
    """Room for a polyhedron of so many planes, or NULL."""
    cdef Polyhedron* cell = <Polyhedron*> malloc(sizeof(Polyhedron))
    cdef int vertices = 2*planes
    if cell == NULL:
        return NULL
    cell.capacity = planes
    cell.points = <double*> malloc((4*vertices + 6*planes)*sizeof(double))
    cell.corners = <int*> malloc((3*vertices + planes*planes + 6*planes)*sizeof(int))
    if cell.points == NULL or cell.corners == NULL:
        release(cell)
        return NULL
    cell.heights = cell.points + 3*vertices
    cell.feet = cell.heights + vertices
    cell.fresh = cell.feet + 3*planes
    cell.vertex = cell.corners + 3*vertices
    cell.degree = cell.vertex + planes*planes
    cell.slots = cell.degree + planes
    cell.marks = cell.slots + planes
    cell.follow = cell.marks + planes
    cell.edges = cell.follow + planes
    return cell


cdef inline void link(Polyhedron* cell, int t) noexcept nogil:
    """Enter the three directed edges of vertex t into the table."""
    cdef int* corner = cell.corners + 3*t
    cell.vertex[corner[0]*cell.capacity + corner[1]] = t
    cell.vertex[corner[1]*cell.capacity + corner[2]] = t
    cell.vertex[corner[2]*cell.capacity + corner[0]] = t


cdef inline int start_cube(Polyhedron* cell, double half) noexcept nogil:
    """Start with the cube |x|, |y|, |z| <= half."""
    cdef int k, t = 0, sx, sy, sz, a, b, c
    cdef int* corner
    cell.n_free = 0
    for k in range(cell.capacity - 1, 5, -1):
        cell.slots[cell.n_free] = k
        cell.n_free += 1
    for k in range(cell.capacity):
        cell.degree[k] = 0
        cell.marks[k] = 0
    cell.stamp = 0
    for k in range(18):
        cell.feet[k] = 0.0
    for k in range(3):
        cell.feet[3*(2*k) + k] = half
        cell.feet[3*(2*k + 1) + k] = -half
        cell.degree[2*k] = 4
        cell.degree[2*k + 1] = 4
    for sx in range(2):
        for sy in range(2):
            for sz in range(2):
                cell.points[3*t] = half - 2*half*sx
                cell.points[3*t + 1] = half - 2*half*sy
                cell.points[3*t + 2] = half - 2*half*sz
                a = sx
                b = 2 + sy
                c = 4 + sz
                if (sx + sy + sz) % 2 == 1:
                    b, c = c, b
                corner = cell.corners + 3*t
                corner[0] = a
                corner[1] = b
                corner[2] = c
                link(cell, t)
                t += 1
    cell.n = t
    return 0


cdef inline int cut(
    Polyhedron* cell, double x, double y, double z, double tolerance
) noexcept nogil:
    """Cut off what is nearer to (x, y, z) than to the origin; GOOD, FULL or INCONSISTENT."""
    cdef int t, other, e, a, b, plane, n_removed = 0, n_new = 0, n_ring = 0, n_whole
    cdef int capacity = cell.capacity
    cdef double half = 0.5*(x*x + y*y + z*z), limit = tolerance*sqrt(2.0*half), fraction
    cdef double* p
    cdef double* q
    cdef int* corner
    for t in range(cell.n):
        p = cell.points + 3*t
        cell.heights[t] = p[0]*x + p[1]*y + p[2]*z - half
        n_removed += cell.heights[t] > limit
    if n_removed == 0:
        return GOOD
    if cell.n_free == 0 or cell.n + 3 > 2*capacity:
        return FULL
    plane = cell.slots[cell.n_free - 1]
    cell.stamp += 1
    for t in range(cell.n):
        if cell.heights[t] <= limit:
            continue
        corner = cell.corners + 3*t
        for e in range(3):
            a = corner[e]
            b = corner[(e + 1) % 3]
            other = cell.vertex[b*capacity + a]
            if cell.heights[other] > limit:
                continue
            # The edge from t to other is cut: a new vertex of planes a, b and the new one.
            if cell.marks[a] == cell.stamp or n_new == capacity:
                return INCONSISTENT
            cell.marks[a] = cell.stamp
            cell.follow[a] = b
            cell.edges[2*n_new] = a
            cell.edges[2*n_new + 1] = b
            fraction = cell.heights[other] / (cell.heights[other] - cell.heights[t])
            if fraction < 0.0:
                fraction = 0.0
            p = cell.points + 3*t
            q = cell.points + 3*other
            cell.fresh[3*n_new] = q[0] + fraction*(p[0] - q[0])
            cell.fresh[3*n_new + 1] = q[1] + fraction*(p[1] - q[1])
            cell.fresh[3*n_new + 2] = q[2] + fraction*(p[2] - q[2])
            n_new += 1
    # What is removed must be one disk: its rim is one closed ring, and n vertices with m whole
    # planes among them have n + 2 - 2 m rim edges.
    a = cell.edges[0]
    while n_ring < n_new and cell.marks[a] == cell.stamp:
        a = cell.follow[a]
        n_ring += 1
        if a == cell.edges[0]:
            break
    if n_new < 3 or n_ring != n_new or a != cell.edges[0]:
        return INCONSISTENT
    cell.n_free -= 1
    for e in range(2*n_new):
        cell.degree[cell.edges[e]] += 1
    n_whole = 0
    for t in range(cell.n):
        if cell.heights[t] > limit:
            for e in range(3):
                a = cell.corners[3*t + e]
                cell.degree[a] -= 1
                if cell.degree[a] == 0:
                    cell.slots[cell.n_free] = a
                    cell.n_free += 1
                    n_whole += 1
    if n_new != n_removed + 2 - 2*n_whole:
        return INCONSISTENT
    cell.feet[3*plane] = 0.5*x
    cell.feet[3*plane + 1] = 0.5*y
    cell.feet[3*plane + 2] = 0.5*z
    cell.degree[plane] = n_new
    # New vertices go to the places of removed ones and then to the end; holes that remain are
    # filled from the end.
    t = 0
    for e in range(n_new):
        while t < cell.n and cell.heights[t] <= limit:
            t += 1
        if t == cell.n:
            cell.n += 1
        cell.heights[t] = limit
        cell.corners[3*t] = cell.edges[2*e]
        cell.corners[3*t + 1] = cell.edges[2*e + 1]
        cell.corners[3*t + 2] = plane
        for a in range(3):
            cell.points[3*t + a] = cell.fresh[3*e + a]
        link(cell, t)
    for t in range(cell.n - 1, -1, -1):
        if cell.heights[t] > limit:
            cell.n -= 1
            if t < cell.n:
                for a in range(3):
                    cell.corners[3*t + a] = cell.corners[3*cell.n + a]
                    cell.points[3*t + a] = cell.points[3*cell.n + a]
                link(cell, t)
    return GOOD


cdef inline double volume(Polyhedron* cell) noexcept nogil:
    """V = 1/6 sum over edges (v1, v2) between planes f, g of (foot_g - foot_f).(v1 x v2)."""
    cdef int t, other, e, a, b
    cdef double total = 0.0
    cdef double* p
    cdef double* q
    cdef double* f
    cdef double* g
    for t in range(cell.n):
        for e in range(3):
            a = cell.corners[3*t + e]
            b = cell.corners[3*t + (e + 1) % 3]
            if a > b:
                continue
            other = cell.vertex[b*cell.capacity + a]
            p = cell.points + 3*t
            q = cell.points + 3*other
            f = cell.feet + 3*a
            g = cell.feet + 3*b
            total += (
                (g[0] - f[0])*(p[1]*q[2] - p[2]*q[1])
                + (g[1] - f[1])*(p[2]*q[0] - p[0]*q[2])
                + (g[2] - f[2])*(p[0]*q[1] - p[1]*q[0])
            )
    return total / 6.0


cdef inline double reach2(Polyhedron* cell) noexcept nogil:
    """Squared distance of the farthest vertex."""
    cdef int t
    cdef double d2, largest = 0.0
    cdef double* p
    for t in range(cell.n):
        p = cell.points + 3*t
        d2 = p[0]*p[0] + p[1]*p[1] + p[2]*p[2]
        if d2 > largest:
            largest = d2
    return largest
