"""Doctor: what would make a deploy fail, found before anything is changed."""

from provision.ray.doctor.doctor import doctor as doctor
from provision.ray.doctor.finding import Diagnosis as Diagnosis
from provision.ray.doctor.finding import Finding as Finding
